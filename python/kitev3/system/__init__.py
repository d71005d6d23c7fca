"""A system of processes: the profile that says what runs, its run folder, one session of it, what that came to."""
