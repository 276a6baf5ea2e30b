cimport cython


cdef Py_ssize_t EDGE_MAX


cdef class Node:
    cdef bytes edge
    cdef dict children
    cdef long long count
    cdef dict pipes
    cdef list listed

    cdef bint empty(self)


cdef class Trie:
    cdef Node root
    cdef readonly Py_ssize_t size
    cdef dict topics_of

    @cython.locals(node=Node, child=Node, at=Py_ssize_t)
    cdef Node descend(self, bytes topic)
    @cython.locals(node=Node, at=Py_ssize_t)
    cdef Node find(self, bytes topic)
    @cython.locals(node=Node, child=Node, parent=Node, at=Py_ssize_t)
    cdef prune(self, bytes topic)
    @cython.locals(node=Node)
    cpdef bint add(self, bytes topic)
    @cython.locals(node=Node)
    cpdef bint remove(self, bytes topic)
    @cython.locals(node=Node, at=Py_ssize_t)
    cpdef bint matches(self, bytes data)
    @cython.locals(node=Node, topics=set)
    cpdef bint add_pipe(self, bytes topic, pipe)
    @cython.locals(node=Node, topics=set)
    cpdef bint remove_pipe(self, bytes topic, pipe)
    cdef bint take_pipe(self, Node node, bytes topic, pipe) except -1
    @cython.locals(topics=set, gone=list)
    cpdef list forget_pipe(self, pipe)
    @cython.locals(node=Node)
    cpdef bint holds(self, bytes topic, pipe=*) except -1
    cpdef Py_ssize_t count_of(self, pipe) except -1
    @cython.locals(node=Node, first=Node, at=Py_ssize_t, found=dict)
    cpdef list match_pipes(self, bytes data)
    @cython.locals(node=Node, child=Node, path=list, stack=list, depth=Py_ssize_t)
    cpdef list nodes(self)
    cpdef list topics(self)


@cython.locals(edge=bytes, common=Py_ssize_t, upper=Node)
cdef Node part(Node parent, Node child, bytes topic, Py_ssize_t at)
@cython.locals(child=Node)
cdef join(Node parent, Node node)
