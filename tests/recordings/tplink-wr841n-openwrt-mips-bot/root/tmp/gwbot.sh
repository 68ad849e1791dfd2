#!/bin/sh
# Stands for a loader. It does nothing.
exit 0
