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
#define TOGGLE_TEXT_MAX 80

void bench_callgrind_begin(void) {
#ifdef BENCH_HAVE_CALLGRIND_H
  CALLGRIND_START_INSTRUMENTATION;
#endif
}

static const char *watch_option(void) {
#ifdef BENCH_HAVE_CALLGRIND_H
  return "--instr-atstart=no";
#else
  return "--instr-atstart=yes";
#endif
}

/* Becomes valgrind. /proc/self/exe would be valgrind's own by the time it is looked at. */
static void become_valgrind(const struct bench_callgrind *callgrind, size_t count) {
  char program[4096] = "";
  char count_text[24];
  char toggles[BENCH_CALLGRIND_TOGGLES_MAX][TOGGLE_TEXT_MAX];
  char *arguments[BENCH_CALLGRIND_TOGGLES_MAX + 8] = {
      "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", (char *)watch_option()};
  size_t argument_count = 4;
  if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
    _exit(1);
  for (size_t i = 0; i < BENCH_CALLGRIND_TOGGLES_MAX && callgrind->toggles[i]; i++) {
    snprintf(toggles[i], TOGGLE_TEXT_MAX, "--toggle-collect=%s", callgrind->toggles[i]);
    arguments[argument_count++] = toggles[i];
  }
  snprintf(count_text, sizeof count_text, "%zu", count);
  arguments[argument_count++] = program;
  arguments[argument_count++] = (char *)callgrind->mode;
  arguments[argument_count] = count_text;
  execvp(arguments[0], arguments);
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

static bool collect(const struct bench_callgrind *callgrind, size_t count, uint64_t *out) {
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
    become_valgrind(callgrind, count);
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
    fprintf(stderr, "%s did not end well under callgrind:\n%s\n", callgrind->mode, said);
    return false;
  }
  return true;
}

bool bench_callgrind_run(const struct bench_callgrind *callgrind, double *out) {
  uint64_t less = 0, more = 0;
  size_t between = callgrind->counts[1] - callgrind->counts[0];
  if (!collect(callgrind, callgrind->counts[0], &less) ||
      !collect(callgrind, callgrind->counts[1], &more))
    return false;
  if (more <= less) {
    fprintf(stderr, "%s: callgrind collected nothing\n", callgrind->mode);
    return false;
  }
  *out = (double)(more - less) / (double)between;
  return true;
}
