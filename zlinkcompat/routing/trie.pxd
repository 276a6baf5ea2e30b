cimport cython


cdef Py_ssize_t EDGE_MAX


# The garbage collector visits each object that has an attribute of a type other than bytes and
# numbers. See the module's docstring.
cdef class Node:
    cdef bytes edge
    cdef Py_ssize_t branch, pipe, group
    cdef long long count

    cdef bint is_wanted(self)
    cdef bint empty(self)


@cython.final
cdef class Slots:
    cdef list items, free

    @cython.locals(number=Py_ssize_t)
    cdef Py_ssize_t add(self, item) except -1
    cdef remove(self, Py_ssize_t number)


cdef class Trie:
    cdef Node root
    cdef readonly Py_ssize_t size
    cdef dict topics_of, numbers, lists
    cdef Slots branches, alone, groups

    cdef dict children_of(self, Node node)
    @cython.locals(node=Node, child=Node, at=Py_ssize_t, children=dict)
    cdef Node descend(self, bytes topic)
    @cython.locals(node=Node, at=Py_ssize_t)
    cdef Node find(self, bytes topic)
    @cython.locals(node=Node, child=Node, parent=Node, at=Py_ssize_t, children=dict)
    cdef prune(self, bytes topic)
    @cython.locals(node=Node)
    cpdef bint add(self, bytes topic)
    @cython.locals(node=Node)
    cpdef bint remove(self, bytes topic)
    @cython.locals(node=Node, at=Py_ssize_t)
    cpdef bint matches(self, bytes data)
    @cython.locals(node=Node, topics=set, number=Py_ssize_t)
    cpdef bint add_pipe(self, bytes topic, pipe)
    cdef free_number(self, pipe)
    @cython.locals(node=Node, topics=set, gone=bint)
    cpdef bint remove_pipe(self, bytes topic, pipe)
    @cython.locals(group=dict)
    cdef bint take_pipe(self, Node node, bytes topic, Py_ssize_t number) except -1
    @cython.locals(topics=set, gone=list, number=Py_ssize_t, left=list)
    cpdef list forget_pipe(self, pipe)
    @cython.locals(node=Node)
    cpdef bint holds(self, bytes topic, pipe=*) except -1
    cpdef Py_ssize_t count_of(self, pipe) except -1
    @cython.locals(node=Node, first=Node, at=Py_ssize_t, found=dict, pipes=list)
    cpdef list match_pipes(self, bytes data)
    cdef list pipes_of(self, dict numbers)
    cdef dict note_pipes(self, dict numbers, Node node)
    @cython.locals(node=Node, path=list, stack=list, depth=Py_ssize_t, children=dict)
    cpdef list nodes(self)
    cpdef list topics(self)
    @cython.locals(edge=bytes, common=Py_ssize_t, upper=Node)
    cdef Node part(self, dict siblings, Node child, bytes topic, Py_ssize_t at)
    @cython.locals(child=Node, children=dict)
    cdef join(self, Node parent, Node node)
