# One file per provider: adding a provider is adding a file here and its name below.
dist_pkgprovider_DATA += \
	providers/google.conf \
	providers/microsoft.conf
