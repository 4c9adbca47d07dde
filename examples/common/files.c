/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum file_verdict read_open(int fd, const char *path, size_t max_bytes, char *data,
                                   size_t *len, struct fault *fault) {
  size_t used = 0;
  while (used <= max_bytes) {
    ssize_t got = read(fd, data + used, max_bytes + 1 - used);
    if (got < 0) {
      (void)fault_set(fault, "%s: %s", path, strerror(errno));
      return FILE_BAD;
    }
    if (got == 0) {
      data[used] = '\0';
      *len = used;
      return FILE_OK;
    }
    used += (size_t)got;
  }
  (void)fault_set(fault, "%s: longer than %zu bytes, which cannot be right", path, max_bytes);
  return FILE_BAD;
}

/* systemd hands over credentials as 0440 of root and its group, with a list for the service's user
 * (LoadCredential=). */
static mode_t refused_mode(const struct stat *about, enum file_kind kind) {
  bool credential = kind == FILE_GIVEN_SECRET && about->st_uid == 0 && about->st_gid == 0 &&
                    (about->st_mode & 0777) == 0440;
  if (credential) {
    return 0;
  }
  return kind == FILE_STATE ? S_IWGRP | S_IWOTH : S_IRWXG | S_IRWXO;
}

static int check_open(int fd, const char *path, enum file_kind kind, struct fault *fault) {
  struct stat about;
  if (kind == FILE_GIVEN) {
    return 0;
  }
  if (fstat(fd, &about) != 0) {
    return fault_set(fault, "%s: %s", path, strerror(errno));
  }
  if (!S_ISREG(about.st_mode)) {
    return fault_set(fault, "%s: is not a plain file", path);
  }
  mode_t refused = refused_mode(&about, kind);
  if ((about.st_mode & refused) != 0) {
    return fault_set(fault, "%s: others can %s it (mode %03o): run chmod %s %s", path,
                     kind == FILE_STATE ? "write" : "read", (unsigned)(about.st_mode & 0777),
                     kind == FILE_STATE ? "go-w" : "600", path);
  }
  return 0;
}

/* What is checked is what is read. A pipe must not be waited for. */
static int open_kind(const char *path, enum file_kind kind) {
  bool of_state = kind == FILE_STATE || kind == FILE_STATE_SECRET;
  int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (kind == FILE_GIVEN ? 0 : O_NONBLOCK);
  return open(path, flags | (of_state ? O_NOFOLLOW : 0));
}

enum file_verdict file_read(const char *path, enum file_kind kind, size_t max_bytes, char **out,
                            size_t *len, struct fault *fault) {
  int fd = open_kind(path, kind);
  if (fd < 0) {
    enum file_verdict verdict = errno == ENOENT ? FILE_MISSING : FILE_BAD;
    (void)fault_set(fault, "%s: %s", path,
                    errno == ELOOP ? "is a symbolic link: put the file itself there"
                                   : strerror(errno));
    return verdict;
  }
  char *data = malloc(max_bytes + 2);
  if (data == NULL || check_open(fd, path, kind, fault) != 0) {
    if (data == NULL) {
      (void)fault_set(fault, "%s: out of memory", path);
    }
    free(data);
    close(fd);
    return FILE_BAD;
  }
  enum file_verdict verdict = read_open(fd, path, max_bytes, data, len, fault);
  close(fd);
  if (verdict != FILE_OK) {
    free(data);
    return verdict;
  }
  *out = data;
  return FILE_OK;
}

static int write_all(int fd, const char *data, size_t len) {
  while (len > 0) {
    ssize_t wrote = write(fd, data, len);
    if (wrote < 0 && errno != EINTR) {
      return -1;
    }
    if (wrote > 0) {
      data += wrote;
      len -= (size_t)wrote;
    }
  }
  return fsync(fd);
}

int file_write_private(const char *path, const char *data, size_t len, struct fault *fault) {
  char temporary[PATH_MAX];
  int wrote = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  if (wrote < 0 || (size_t)wrote >= sizeof temporary) {
    return fault_set(fault, "%s: the path is too long", path);
  }
  /* mkstemp makes it 0600. */
  int fd = mkstemp(temporary);
  if (fd < 0) {
    return fault_set(fault, "cannot write %s: %s", path, strerror(errno));
  }
  int status = write_all(fd, data, len);
  int reason = errno;
  if (close(fd) != 0 && status == 0) {
    status = -1;
    reason = errno;
  }
  if (status == 0 && rename(temporary, path) != 0) {
    status = -1;
    reason = errno;
  }
  if (status != 0) {
    (void)unlink(temporary);
    return fault_set(fault, "cannot write %s: %s", path, strerror(reason));
  }
  return 0;
}

/* Root may do with a folder as it likes. */
static int check_directory(const char *path, const struct stat *about, struct fault *fault) {
  if (!S_ISDIR(about->st_mode)) {
    return fault_set(fault, "%s is not a folder", path);
  }
  if (about->st_uid != geteuid() && about->st_uid != 0 && geteuid() != 0) {
    return fault_set(fault, "the folder %s belongs to another user", path);
  }
  if ((about->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fault_set(fault, "others can write in the folder %s (mode %03o): run chmod go-w %s",
                     path, (unsigned)(about->st_mode & 0777), path);
  }
  return 0;
}

int directory_check(const char *path, struct fault *fault) {
  struct stat about;
  if (stat(path, &about) != 0) {
    return errno == ENOENT ? 0 : fault_set(fault, "the folder %s: %s", path, strerror(errno));
  }
  return check_directory(path, &about, fault);
}

int directory_make(const char *path, struct fault *fault) {
  char part[PATH_MAX];
  struct stat about;
  size_t len = strlen(path);
  if (len == 0 || len >= sizeof part) {
    return fault_set(fault, "\"%s\" cannot be the path of a folder", path);
  }
  memcpy(part, path, len + 1);
  for (size_t i = 1; i <= len; i++) {
    if (part[i] != '/' && part[i] != '\0') {
      continue;
    }
    char kept = part[i];
    part[i] = '\0';
    if (mkdir(part, 0700) != 0 && errno != EEXIST) {
      return fault_set(fault, "cannot make the folder %s: %s", part, strerror(errno));
    }
    part[i] = kept;
  }
  if (stat(path, &about) != 0) {
    return fault_set(fault, "the folder %s: %s", path, strerror(errno));
  }
  return check_directory(path, &about, fault);
}

int directory_choose(const char *program, const char *given, char *out, size_t size,
                     struct fault *fault) {
  const char *systemd = getenv("STATE_DIRECTORY");
  const char *xdg = getenv("XDG_STATE_HOME");
  const char *home = getenv("HOME");
  int wrote = 0;
  if (given != NULL || (systemd != NULL && systemd[0] != '\0')) {
    wrote = snprintf(out, size, "%s", given != NULL ? given : systemd);
  } else if (xdg != NULL && xdg[0] == '/') {
    wrote = snprintf(out, size, "%s/%s", xdg, program);
  } else if (home != NULL && home[0] == '/' && home[1] != '\0') {
    wrote = snprintf(out, size, "%s/.local/state/%s", home, program);
  } else {
    wrote = snprintf(out, size, "/var/lib/%s", program);
  }
  return wrote > 0 && (size_t)wrote < size
             ? 0
             : fault_set(fault, "the path of the state folder is too long: give --state-dir DIR");
}
