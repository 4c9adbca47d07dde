/* SPDX-License-Identifier: MIT */
#include "bench/callgrind.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef BENCH_HAVE_CALLGRIND_H
#include <valgrind/callgrind.h>
#endif

#define NOT_FOUND 127 /* as a shell has it */

#ifdef BENCH_HAVE_CALLGRIND_H
static const bool has_requests = true;

void bench_callgrind_begin(void) {
  CALLGRIND_START_INSTRUMENTATION;
}

static void toggle(void) {
  CALLGRIND_TOGGLE_COLLECT;
}
#else
static const bool has_requests = false;

void bench_callgrind_begin(void) {
}

static void toggle(void) {
}
#endif

void bench_callgrind_collect(bool on) {
  static bool collecting;
  if (on != collecting) {
    collecting = on;
    toggle();
  }
}

/* Becomes valgrind. /proc/self/exe would be valgrind's own by the time it is looked at. */
static void become_valgrind(const char *mode, size_t count) {
  char program[4096] = "";
  char count_text[24];
  if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
    _exit(1);
  snprintf(count_text, sizeof count_text, "%zu", count);
  execlp("valgrind", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         "--instr-atstart=no", "--collect-atstart=no", program, mode, count_text, (char *)NULL);
  _exit(NOT_FOUND);
}

/* All that it says on standard error, the end of it where it says much. */
static void read_all(int fd, char *text, size_t size) {
  size_t len = 0;
  for (;;) {
    ssize_t count = read(fd, text + len, size - 1 - len);
    if (count <= 0)
      break;
    len += (size_t)count;
    if (len > size / 2) {
      memmove(text, text + len - size / 2, size / 2);
      len = size / 2;
    }
  }
  text[len] = '\0';
}

/* "==123== Collected : 456", of the last line of that kind. */
static bool find_collected(const char *text, uint64_t *out) {
  static const char label[] = "Collected : ";
  bool found = false;
  for (const char *at = strstr(text, label); at; at = strstr(at + 1, label))
    found = sscanf(at + strlen(label), "%" SCNu64, out) == 1;
  return found;
}

static bool count_once(const char *mode, size_t count, uint64_t *out) {
  char said[8192];
  int status = 0;
  int ends[2];
  if (pipe(ends) != 0)
    return false;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    become_valgrind(mode, count);
  }
  close(ends[1]);
  read_all(ends[0], said, sizeof said);
  close(ends[0]);
  if (child < 0 || waitpid(child, &status, 0) != child)
    return false;
  if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
    fprintf(stderr, "valgrind is not installed: instructions cannot be counted\n");
    return false;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !find_collected(said, out)) {
    fprintf(stderr, "%s %zu did not end well under callgrind:\n%s\n", mode, count, said);
    return false;
  }
  return true;
}

bool bench_callgrind_run(const char *mode, const size_t counts[2], double *out) {
  uint64_t less = 0, more = 0;
  if (!has_requests) {
    fprintf(stderr, "built without valgrind's headers: instructions cannot be counted\n");
    return false;
  }
  if (!count_once(mode, counts[0], &less) || !count_once(mode, counts[1], &more))
    return false;
  if (more <= less) {
    fprintf(stderr, "%s: callgrind collected nothing\n", mode);
    return false;
  }
  *out = (double)(more - less) / (double)(counts[1] - counts[0]);
  return true;
}
