"""The running site: the shell around `decide`. It is never in a request's path; if it dies, traffic goes on."""
