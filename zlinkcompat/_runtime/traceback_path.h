/* Included before each compiled module (setup.py): gives its frames in tracebacks absolute paths.
 *
 * Cython notes the path of a source as it was at the build, "zlinkcompat/core/socket.py". Where the
 * working directory has no such file, Python (to 3.12) takes any file of the same name that it finds
 * in sys.path, and shows lines of the standard library's socket.py. The sources lie beside the
 * extensions, so the path of this extension tells where they are.
 */
#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PyCodeObject *zlink_new_empty_code(const char *filename, const char *name, int line)
{
    static const char package[] = "zlinkcompat/";
    static char extension[PATH_MAX];  /* the path of this one, once it is known */
    char path[2 * PATH_MAX];
    Dl_info info;

    if (strncmp(filename, package, sizeof package - 1) != 0)
        return PyCode_NewEmpty(filename, name, line);
    if (extension[0] == '\0' && (!dladdr((void *)extension, &info) || info.dli_fname == NULL
                                 || realpath(info.dli_fname, extension) == NULL))
        extension[0] = '\0';
    /* The last folder of that name: others may contain the installation. */
    char *end = NULL;
    for (char *at = extension; (at = strstr(at, package)) != NULL; at++)
        if (at > extension && at[-1] == '/')
            end = at;
    if (end == NULL)
        return PyCode_NewEmpty(filename, name, line);
    snprintf(path, sizeof path, "%.*s%s", (int)(end - extension), extension, filename);
    return PyCode_NewEmpty(path, name, line);
}

#define PyCode_NewEmpty zlink_new_empty_code
