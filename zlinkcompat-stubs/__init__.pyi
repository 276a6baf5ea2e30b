"""Types of the swapped import, which are those of the installed pyzmq."""

from zmq import *
from zmq import __version__ as __version__
from zmq import constants as constants
from zmq import error as error
from zmq import get_library_dirs as get_library_dirs
from zmq import sugar as sugar
from zmq import utils as utils
