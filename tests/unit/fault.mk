# Calls that fail, one after the other.
unit_tests += tests/unit/test_store_faults tests/unit/test_plugin_faults

# Each function that fault.c and fault_json.c stand in for.
fault_ldflags = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=strdup \
	-Wl,--wrap=open -Wl,--wrap=openat -Wl,--wrap=fstat -Wl,--wrap=read -Wl,--wrap=pwrite -Wl,--wrap=fsync \
	-Wl,--wrap=fallocate -Wl,--wrap=ftruncate -Wl,--wrap=renameat -Wl,--wrap=unlinkat -Wl,--wrap=getrandom \
	-Wl,--wrap=fdopendir -Wl,--wrap=flock -Wl,--wrap=fchown -Wl,--wrap=mkdir \
	-Wl,--wrap=socket -Wl,--wrap=socketpair -Wl,--wrap=fcntl -Wl,--wrap=getsockopt -Wl,--wrap=setsockopt \
	-Wl,--wrap=connect -Wl,--wrap=send -Wl,--wrap=recv -Wl,--wrap=poll \
	-Wl,--wrap=posix_spawn_file_actions_init -Wl,--wrap=posix_spawnattr_init -Wl,--wrap=posix_spawn \
	-Wl,--wrap=waitpid -Wl,--wrap=kill -Wl,--wrap=getauxval
fault_json_ldflags = \
	-Wl,--wrap=json_object_new_string -Wl,--wrap=json_object_new_int64 -Wl,--wrap=json_object_new_object \
	-Wl,--wrap=json_object_object_add -Wl,--wrap=json_object_deep_copy \
	-Wl,--wrap=json_object_to_json_string_length -Wl,--wrap=json_tokener_new_ex

tests_unit_test_store_faults_SOURCES = \
	tests/unit/test_store_faults.c tests/unit/fault.c tests/unit/fault.h tests/unit/fault_json.c
tests_unit_test_store_faults_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_store_faults_LDFLAGS = $(fault_ldflags) $(fault_json_ldflags)
tests_unit_test_store_faults_LDADD = $(helper_test_libs)

# With a system's folder of its own, relative to where it runs.
tests_unit_test_plugin_faults_SOURCES = \
	tests/unit/test_plugin_faults.c tests/unit/fault.c tests/unit/fault.h plugin/configured.c
tests_unit_test_plugin_faults_CPPFLAGS = $(unit_cppflags) -USYSCONFDIR -DSYSCONFDIR='"etc"'
tests_unit_test_plugin_faults_LDFLAGS = $(fault_ldflags)
tests_unit_test_plugin_faults_LDADD = $(plugin_test_libs)
