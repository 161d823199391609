"""What the integration tests share.

Only modules of Debian's python3-minimal are imported at the top of these files, so that the tests
run in a bare guest too: no json, http.client, unittest, shutil, ctypes.
"""
