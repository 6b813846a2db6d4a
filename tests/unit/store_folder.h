/* A store of accounts and state, and a folder of provider files, in the test program's temporary folder. */
#ifndef XOAUTH2_TEST_STORE_FOLDER_H
#define XOAUTH2_TEST_STORE_FOLDER_H

#include "paths.h"

#include <stdbool.h>

/* Makes it anew and empty: `paths` are those of a user's store. Provider files are looked for in it alone. For
 * cmocka's set-up of one test. */
int store_folder_setup(void **state);
extern struct paths paths;

/* Write NAME.conf, NAME.json (0600), and a provider file (0644). Return their paths, as folder_path() does. */
const char *store_folder_account(const char *name, const char *text);
const char *store_folder_state(const char *name, const char *text);
const char *store_folder_provider(const char *name, const char *text);

/* Makes a file or folder look as if somebody else owned it: really so for root, who may; else by changing whom
 * `paths` names. */
void store_folder_disown(const char *path);

/* From here to store_folder_rise() we are somebody without root's powers, to whom the store belongs. */
void store_folder_sink(void);
void store_folder_rise(void);

/* The whole content of a file, in a static buffer; fails the test where it cannot be read. */
const char *store_folder_read(const char *path);

/* How many files the state folder has. */
int store_folder_count(void);

#endif
