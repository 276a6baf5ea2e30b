from zmq.sugar.version import *
from zmq.sugar.version import VERSION_EXTRA as VERSION_EXTRA
from zmq.sugar.version import VERSION_MAJOR as VERSION_MAJOR
from zmq.sugar.version import VERSION_MINOR as VERSION_MINOR
from zmq.sugar.version import VERSION_PATCH as VERSION_PATCH
from zmq.sugar.version import version_info as version_info
