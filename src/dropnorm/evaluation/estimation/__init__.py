"""Effects, intervals and verdicts, out of the errors of networks by split and start."""
