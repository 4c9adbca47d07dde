/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target on files, and on the files in folders: what was found once is tried again
 * wherever the tests run, without libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#define INPUT_BYTES_MAX (1 << 20)

static size_t input_count;

static void run_file(const char *path) {
  static uint8_t data[INPUT_BYTES_MAX];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(2);
  }
  size_t len = fread(data, 1, sizeof data, file);
  bool read_all = fgetc(file) == EOF && ferror(file) == 0;
  fclose(file);
  if (!read_all) {
    fprintf(stderr, "%s: cannot be read, or is longer than %d bytes\n", path, INPUT_BYTES_MAX);
    exit(2);
  }
  /* The last one named is the one that crashes. */
  printf("%s\n", path);
  fflush(stdout);
  uint8_t *copy = fuzz_copy(data, len);
  LLVMFuzzerTestOneInput(copy, len);
  free(copy);
  input_count++;
}

static void run_folder(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) {
    perror(path);
    exit(2);
  }
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char name[PATH_MAX];
    if (entry->d_name[0] != '.') {
      snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
      run_file(name);
    }
  }
  closedir(folder);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    struct stat status;
    if (stat(argv[i], &status) != 0) {
      perror(argv[i]);
      return 2;
    }
    if (S_ISDIR(status.st_mode)) {
      run_folder(argv[i]);
    } else {
      run_file(argv[i]);
    }
  }
  printf("%zu inputs\n", input_count);
  return input_count > 0 ? 0 : 2;
}
