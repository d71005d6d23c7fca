import sys

from kitev3.services.kitesim.standalone import main

sys.exit(main(sys.argv[1:]))
