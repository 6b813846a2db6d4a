/* The disk's thread: in which order its tasks are done, and that none is left. */
#include "config.h"

#include "disk.h"
#include "test.h"

#include <semaphore.h>

enum { TASKS = 5 };

struct numbered {
    struct disk_task task;
    int number;
};

static struct loop loop;
static struct disk disk;
static struct numbered tasks[TASKS];
static sem_t begun;
static sem_t gate;
static int worked[TASKS]; /* the numbers of the tasks in the order of their work */
static int worked_count;
static int told[TASKS]; /* and in that of their ends */
static int told_count;

static int open_both(void **state)
{
    (void)state;
    struct report why;
    worked_count = told_count = 0;
    sem_init(&begun, 0, 0);
    sem_init(&gate, 0, 0);
    return loop_open(&loop, &why) && disk_open(&disk, &loop, &why) ? 0 : -1;
}

static int close_both(void **state)
{
    (void)state;
    disk_close(&disk);
    loop_close(&loop);
    sem_destroy(&begun);
    sem_destroy(&gate);
    return 0;
}

static int number_of(struct disk_task *t)
{
    return ((struct numbered *)(void *)t)->number;
}

static void work(struct disk_task *t)
{
    worked[worked_count++] = number_of(t);
}

static void wait_at_the_gate(struct disk_task *t)
{
    sem_post(&begun);
    sem_wait(&gate);
    work(t);
}

static void done(struct disk_task *t)
{
    told[told_count++] = number_of(t);
    loop.stop = told_count == TASKS;
}

static void submit(int number, void (*what)(struct disk_task *t), bool urgent)
{
    tasks[number] = (struct numbered){.task = {.work = what, .done = done}, .number = number};
    disk_submit(&disk, &tasks[number].task, urgent);
}

/* While the first is at work, the others come. */
static void submit_all(void)
{
    submit(0, wait_at_the_gate, false);
    sem_wait(&begun);
    submit(1, work, false);
    submit(2, work, true);
    submit(3, work, false);
    submit(4, work, true);
    sem_post(&gate);
}

static void urgent_ones_go_first(void **state)
{
    (void)state;
    static const int WANTED[TASKS] = {0, 2, 4, 1, 3};
    submit_all();
    loop_run(&loop);
    assert_memory_equal(worked, WANTED, sizeof WANTED);
    assert_memory_equal(told, WANTED, sizeof WANTED);
}

static void all_are_done_at_the_end(void **state)
{
    (void)state;
    submit_all();
    disk_close(&disk);
    assert_int_equal(worked_count, TASKS);
    assert_int_equal(told_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(urgent_ones_go_first, open_both, close_both),
        cmocka_unit_test_setup_teardown(all_are_done_at_the_end, open_both, close_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
