"""Running command lines side by side: as plain processes, or as jobs of submitit on this machine or a cluster."""
