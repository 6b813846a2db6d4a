/* A temporary folder for one test program. */
#ifndef XOAUTH2_TEST_FOLDER_H
#define XOAUTH2_TEST_FOLDER_H

#include <sys/types.h>

/* Makes the folder, and removes it with all it holds. For cmocka's group set-up and tear-down. */
int folder_make(void **state);
int folder_remove(void **state);

/* The path of `name` in the folder. It lives until folder_remove(). */
const char *folder_path(const char *name);

/* Writes a file with these permission bits, whatever the umask, and returns its path as above. */
const char *folder_write(const char *name, const char *content, mode_t mode);

/* Makes a folder in it. */
const char *folder_sub(const char *name, mode_t mode);

/* The environment of a user who lives in it: "home", "config" and "run", none of which is made. */
void folder_home(void);

#endif
