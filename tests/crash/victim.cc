// victim: a small program that stores numbered values in right and in wrong ways, to show that the
// harness tells them apart.
//
//   victim WAY DIRECTORY
//
// It prints one number a line: the value that it claims is stored for good. A way's name begins
// with right_ or wrong_, or with refused_ for what the shim must not let happen at all. It stops by
// itself after kValues. model_test.py kills it earlier, takes the power away and looks.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kValues = 60;
constexpr std::size_t kValueBytes = 3000;  // Not a multiple of a sector.

void require(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(3);
}

void claim(int value) {
  const std::string line = std::to_string(value) + "\n";
  require(write(1, line.data(), line.size()) > 0, "stdout");
}

// A value's bytes: its number in decimal again and again.
std::string value_bytes(int value, std::size_t bytes = kValueBytes) {
  std::string text;
  while (text.size() < bytes) text += std::to_string(value) + ",";
  text.resize(bytes);
  return text;
}

int open_file(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0644);
  require(fd >= 0, path.c_str());
  return fd;
}

void sync_directory(const std::string& path) {
  const int fd = open_file(path, O_RDONLY | O_DIRECTORY);
  require(fsync(fd) == 0, "fsync");
  close(fd);
}

void store(int fd, const std::string& bytes, off_t offset) {
  require(pwrite(fd, bytes.data(), bytes.size(), offset) == static_cast<ssize_t>(bytes.size()),
          "pwrite");
}

enum class Log : std::uint8_t {
  Fsync,
  Fdatasync,
  Dsync,
  RwfDsync,
  Syncfs,
  Append,
  Preallocated,
  NoSync,
  RangeOnly,
  SyncFirst,
  NoName,
  Rewrite,
  RetrySync,
  IgnoreSync
};

int open_log(const std::string& directory, Log way) {
  int flags = O_RDWR | O_CREAT;
  if (way == Log::Dsync) flags |= O_DSYNC;
  if (way == Log::Append) flags |= O_APPEND;
  const int fd = open_file(directory + "/log", flags);
  if (way == Log::Preallocated)
    require(posix_fallocate(fd, 0, kValues * kValueBytes) == 0, "fallocate");
  require(fsync(fd) == 0, "fsync");
  if (way != Log::NoName) sync_directory(directory);
  return fd;
}

void append_to_log(int fd, int value, Log way) {
  std::string bytes = value_bytes(value);
  const off_t offset = static_cast<off_t>(value) * static_cast<off_t>(kValueBytes);
  if (way == Log::SyncFirst) require(fsync(fd) == 0, "fsync");
  if (way == Log::RwfDsync) {
    iovec parts[2] = {{bytes.data(), 1000}, {bytes.data() + 1000, bytes.size() - 1000}};
    require(pwritev2(fd, parts, 2, offset, RWF_DSYNC) == static_cast<ssize_t>(bytes.size()),
            "pwritev2");
  } else if (way == Log::Append) {
    require(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "write");
  } else {
    store(fd, bytes, offset);
  }
  if (way == Log::Fsync || way == Log::Append || way == Log::NoName)
    require(fsync(fd) == 0, "fsync");
  if (way == Log::Fdatasync || way == Log::Preallocated) require(fdatasync(fd) == 0, "fdatasync");
  if (way == Log::Syncfs) require(syncfs(fd) == 0, "syncfs");
  // What to do about a sync that fails: the bytes are no longer the kernel's to write.
  if (way == Log::IgnoreSync) (void)fsync(fd);
  while (way == Log::RetrySync && fsync(fd) != 0) continue;
  while (way == Log::Rewrite && fsync(fd) != 0) store(fd, bytes, offset);
  if (way == Log::RangeOnly)
    require(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0,
            "range");
}

void log_values(const std::string& directory, Log way) {
  const int fd = open_log(directory, way);
  for (int value = 0; value < kValues; ++value) {
    append_to_log(fd, value, way);
    claim(value);
  }
}

// Claims what an earlier run left in the log, as read back, with or without making sure of it.
void claim_what_is_read(const std::string& directory, bool sync) {
  const int fd = open_file(directory + "/log", O_RDWR | O_CREAT);
  if (sync) {
    require(fsync(fd) == 0, "fsync");
    sync_directory(directory);
  }
  std::string bytes(kValueBytes, '\0');
  for (int value = 0; value < kValues; ++value) {
    const auto got = pread(fd, bytes.data(), bytes.size(),
                           static_cast<off_t>(value) * static_cast<off_t>(kValueBytes));
    if (got == static_cast<ssize_t>(kValueBytes) && bytes == value_bytes(value)) claim(value);
  }
  pause();
}

void log_without_claim(const std::string& directory) {
  const int fd = open_file(directory + "/log", O_RDWR | O_CREAT);
  for (int value = 0; value < kValues; ++value)
    store(fd, value_bytes(value), static_cast<off_t>(value) * static_cast<off_t>(kValueBytes));
  claim(-1);
  pause();
}

enum class Replace : std::uint8_t { Right, NoDirectorySync, NoFileSync, InPlace };

// One file that holds the last value.
void replace_values(const std::string& directory, Replace way) {
  for (int value = 0; value < kValues; ++value) {
    const bool in_place = way == Replace::InPlace;
    const int fd = open_file(directory + (in_place ? "/state" : "/state.new"),
                             in_place ? O_WRONLY | O_CREAT : O_WRONLY | O_CREAT | O_TRUNC);
    store(fd, value_bytes(value), 0);
    if (way != Replace::NoFileSync) require(fsync(fd) == 0, "fsync");
    close(fd);
    if (!in_place)
      require(rename((directory + "/state.new").c_str(), (directory + "/state").c_str()) == 0,
              "rename");
    if (way != Replace::NoDirectorySync) sync_directory(directory);
    claim(value);
  }
}

// A file per value, in a directory made for every ten of them.
void make_files(const std::string& directory, bool sync_new, bool sync_parent) {
  for (int value = 0; value < kValues; ++value) {
    const std::string folder = directory + "/" + std::to_string(value / 10);
    if (value % 10 == 0) {
      require(mkdir(folder.c_str(), 0755) == 0, "mkdir");
      if (sync_parent) sync_directory(directory);
    }
    const int fd = open_file(folder + "/" + std::to_string(value), O_WRONLY | O_CREAT | O_EXCL);
    store(fd, value_bytes(value), 0);
    require(fsync(fd) == 0, "fsync");
    close(fd);
    if (sync_new) sync_directory(folder);
    claim(value);
  }
}

// Every kind of operation, many threads, no claims: for the comparison of record and reality.
void make_a_mess(const std::string& directory) {
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([directory, number] {
      const std::string own = directory + "/t" + std::to_string(number);
      unsigned seed = static_cast<unsigned>(number + getpid());
      mkdir(own.c_str(), 0755);
      for (int i = 0;; ++i) {
        const std::string path = own + "/" + std::to_string(rand_r(&seed) % 5);
        const int fd = open_file(path, O_RDWR | O_CREAT | (rand_r(&seed) % 8 == 0 ? O_TRUNC : 0) |
                                           (rand_r(&seed) % 4 == 0 ? O_APPEND : 0));
        const int copy = dup(fd);
        const std::string bytes =
            value_bytes(i, static_cast<std::size_t>(rand_r(&seed)) % 20000 + 1);
        store(copy, bytes, rand_r(&seed) % 100000);
        require(write(fd, bytes.data(), 700) == 700, "write");
        if (rand_r(&seed) % 4 == 0) require(ftruncate(fd, rand_r(&seed) % 60000) == 0, "ftruncate");
        if (rand_r(&seed) % 6 == 0) require(fallocate(fd, 0, 0, 70000) == 0, "fallocate");
        if (rand_r(&seed) % 6 == 0)
          require(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 9000) == 0,
                  "punch");
        if (rand_r(&seed) % 9 == 0) require(fdatasync(copy) == 0, "fdatasync");
        if (rand_r(&seed) % 9 == 0) rename(path.c_str(), (own + "/5").c_str());
        if (rand_r(&seed) % 9 == 0) unlink((own + "/5").c_str());
        close(copy);
        close(fd);
        if (i % 20 == 0) claim(-1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

void write_past_the_hooks(const std::string& directory) {
  const int fd = open_file(directory + "/log", O_WRONLY | O_CREAT);
  long result = 0;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(SYS_write), "D"(fd), "S"("hidden"), "d"(6)
               : "rcx", "r11", "memory");
  claim(-1);
  pause();
}

// Each call that may be made to fail, once. Claims the errno of each, or what a write wrote.
void make_each_call(const std::string& directory) {
  const auto tell = [](bool holds) { claim(holds ? 0 : errno); };
  const std::string path = directory + "/file";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  tell(fd >= 0);
  if (fd < 0) return;
  const std::string bytes = value_bytes(1);
  const auto put = pwrite(fd, bytes.data(), bytes.size(), 0);
  claim(put < 0 ? errno : static_cast<int>(put));
  tell(fdatasync(fd) == 0);
  tell(fallocate(fd, 0, 0, 8192) == 0);
  tell(ftruncate(fd, 100) == 0);
  tell(mkdir((directory + "/folder").c_str(), 0755) == 0);
  tell(rename(path.c_str(), (directory + "/moved").c_str()) == 0);
  tell(unlink((directory + "/moved").c_str()) == 0 || errno == ENOENT);
  tell(syncfs(fd) == 0);
}

bool refused(const std::string& way, const std::string& directory) {
  const std::string path = directory + "/file";
  const int fd = open_file(path, O_RDWR | O_CREAT);
  require(ftruncate(fd, 4096) == 0, "ftruncate");
  const int other = open_file(directory + "/other", O_RDWR | O_CREAT);
  if (way == "refused_shared_map")
    mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  else if (way == "refused_later_writable_map")
    mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  else if (way == "refused_io_uring") {
    io_uring_params parameters{};
    syscall(SYS_io_uring_setup, 4, &parameters);
  } else if (way == "refused_copy_file_range")
    (void)!copy_file_range(fd, nullptr, other, nullptr, 4096, 0);
  else if (way == "refused_sendfile")
    (void)!sendfile(other, fd, nullptr, 4096);
  else if (way == "refused_link")
    (void)!link(path.c_str(), (directory + "/link").c_str());
  else if (way == "refused_symlink")
    (void)!symlink("file", (directory + "/link").c_str());
  else if (way == "refused_fopen")
    (void)!fopen(path.c_str(), "w");
  else if (way == "refused_fork")
    (void)fork();
  else if (way == "refused_syscall")
    syscall(SYS_pwrite64, fd, "x", 1, 0);
  else if (way == "refused_proc_link")
    open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR);
  else if (way == "refused_move_out")
    (void)!rename(path.c_str(), (directory + "/../moved_out").c_str());
  else
    return false;
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const std::string way = arguments[1];
  const std::string directory = arguments[2];
  static const std::map<std::string, Log> logs = {
      {"right_fsync", Log::Fsync},
      {"right_fdatasync", Log::Fdatasync},
      {"right_dsync", Log::Dsync},
      {"right_rwf_dsync", Log::RwfDsync},
      {"right_syncfs", Log::Syncfs},
      {"right_append", Log::Append},
      {"right_preallocated", Log::Preallocated},
      {"wrong_no_sync", Log::NoSync},
      {"wrong_range_only", Log::RangeOnly},
      {"wrong_sync_first", Log::SyncFirst},
      {"wrong_no_name", Log::NoName},
      {"right_rewrite", Log::Rewrite},
      {"wrong_retry_sync", Log::RetrySync},
      {"wrong_ignore_sync", Log::IgnoreSync},
  };
  static const std::map<std::string, Replace> replaces = {
      {"right_replace", Replace::Right},
      {"wrong_replace_no_directory_sync", Replace::NoDirectorySync},
      {"wrong_replace_no_file_sync", Replace::NoFileSync},
      {"wrong_replace_in_place", Replace::InPlace},
  };
  if (const auto found = logs.find(way); found != logs.end())
    log_values(directory, found->second);
  else if (const auto kind = replaces.find(way); kind != replaces.end())
    replace_values(directory, kind->second);
  else if (way == "right_files")
    make_files(directory, true, true);
  else if (way == "wrong_files_no_name")
    make_files(directory, false, true);
  else if (way == "wrong_files_no_parent")
    make_files(directory, true, false);
  else if (way == "right_reread")
    claim_what_is_read(directory, true);
  else if (way == "wrong_reread")
    claim_what_is_read(directory, false);
  else if (way == "write_quietly")
    log_without_claim(directory);
  else if (way == "mess")
    make_a_mess(directory);
  else if (way == "each_call")
    make_each_call(directory);
  else if (way == "hidden")
    write_past_the_hooks(directory);
  else if (!refused(way, directory))
    return 2;
  return 0;
}
