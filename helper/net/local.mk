# The network side: the programs login, refresh and logout.
