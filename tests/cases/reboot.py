"""Reboot an instance and wait until it has booted again: reboot.py <instance id> <address>."""

import sys

from hosts import reboot

reboot(*sys.argv[1:])
