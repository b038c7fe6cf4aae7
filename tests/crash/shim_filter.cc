#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstring>

#include "shim.h"

namespace myelin::crash {
namespace {

struct Refused {
  long number;
  const char* name;
};

constexpr Refused kRefused[] = {
    {SYS_io_uring_setup, "io_uring_setup"},
    {SYS_io_uring_enter, "io_uring_enter"},
    {SYS_io_uring_register, "io_uring_register"},
    {SYS_io_setup, "io_setup"},
    {SYS_io_submit, "io_submit"},
    {SYS_copy_file_range, "copy_file_range"},
    {SYS_sendfile, "sendfile"},
    {SYS_splice, "splice"},
    {SYS_tee, "tee"},
    {SYS_vmsplice, "vmsplice"},
    {SYS_process_vm_writev, "process_vm_writev"},
    {SYS_ptrace, "ptrace"},
    {SYS_open_by_handle_at, "open_by_handle_at"},
    {SYS_openat2, "openat2"},
    {SYS_mknod, "mknod"},
    {SYS_mknodat, "mknodat"},
    {SYS_link, "link"},
    {SYS_linkat, "linkat"},
    {SYS_symlink, "symlink"},
    {SYS_symlinkat, "symlinkat"},
    {SYS_setxattr, "setxattr"},
    {SYS_lsetxattr, "lsetxattr"},
    {SYS_fsetxattr, "fsetxattr"},
    {SYS_remap_file_pages, "remap_file_pages"},
    {SYS_mount, "mount"},
    {SYS_chroot, "chroot"},
    {SYS_pivot_root, "pivot_root"},
    {SYS_fork, "fork"},
    {SYS_vfork, "vfork"},
    {SYS_execve, "execve"},
    {SYS_execveat, "execveat"},
    // These have conditions of their own in the filter.
    {SYS_mmap, "a writable shared map of a file"},
    {SYS_clone, "a child process"},
    {SYS_ioctl, "an ioctl that changes files"},
};
constexpr std::size_t kConditional = 3;
constexpr std::size_t kUnconditional = sizeof(kRefused) / sizeof(kRefused[0]) - kConditional;

constexpr std::uint32_t kIoctls[] = {
    FICLONE,     FICLONERANGE, FIDEDUPERANGE, FS_IOC_SETFLAGS,
    0xc028660fU,  // EXT4_IOC_MOVE_EXT, which has no public header.
};

void on_refused(int, siginfo_t* info, void*) {
  for (const auto& refused : kRefused) {
    if (refused.number == info->si_syscall) refuse(refused.name);
  }
  refuse("a system call of another architecture");
}

// Collects instructions. A condition skips the rest of its own block when it does not hold.
class Program {
 public:
  void load(std::uint32_t offset) { add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }
  void skip_unless(std::uint16_t test, std::uint32_t value, std::uint8_t count) {
    add(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value, 0, count));
  }
  void skip_if(std::uint16_t test, std::uint32_t value, std::uint8_t count) {
    add(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value, count, 0));
  }
  void give(std::uint32_t verdict) { add(BPF_STMT(BPF_RET | BPF_K, verdict)); }
  sock_fprog built() { return {size_, code_}; }

 private:
  void add(sock_filter instruction) { code_[size_++] = instruction; }

  sock_filter code_[256];
  unsigned short size_ = 0;
};

constexpr std::uint32_t argument(std::size_t index) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * index);
}

void add_conditional(Program& program) {
  // Only threads of this process: a child would write under locks of its own. clone3 hides its
  // flags in memory, so libc is told that there is none and falls back.
  program.skip_unless(BPF_JEQ, SYS_clone3, 1);
  program.give(SECCOMP_RET_ERRNO | ENOSYS);

  program.skip_unless(BPF_JEQ, SYS_clone, 4);
  program.load(argument(0));
  program.skip_unless(BPF_JSET, CLONE_THREAD, 1);
  program.give(SECCOMP_RET_ALLOW);
  program.give(SECCOMP_RET_TRAP);

  program.skip_unless(BPF_JEQ, SYS_mmap, 8);
  program.load(argument(2));
  program.skip_unless(BPF_JSET, PROT_WRITE, 5);
  program.load(argument(3));
  program.skip_unless(BPF_JSET, MAP_SHARED, 3);
  program.skip_unless(BPF_JSET, MAP_ANONYMOUS, 1);
  program.give(SECCOMP_RET_ALLOW);
  program.give(SECCOMP_RET_TRAP);
  program.give(SECCOMP_RET_ALLOW);

  constexpr std::uint8_t kTests = sizeof(kIoctls) / sizeof(kIoctls[0]);
  program.skip_unless(BPF_JEQ, SYS_ioctl, 2 * kTests + 1);
  program.load(argument(1));
  for (const std::uint32_t request : kIoctls) {
    program.skip_unless(BPF_JEQ, request, 1);
    program.give(SECCOMP_RET_TRAP);
  }
}

}  // namespace

void install_filter() {
  struct sigaction action{};
  action.sa_sigaction = on_refused;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSYS, &action, nullptr);

  Program program;
  program.load(offsetof(seccomp_data, arch));
  program.skip_if(BPF_JEQ, AUDIT_ARCH_X86_64, 1);
  program.give(SECCOMP_RET_TRAP);
  program.load(offsetof(seccomp_data, nr));
  program.skip_unless(BPF_JGE, 0x40000000U, 1);
  program.give(SECCOMP_RET_TRAP);
  for (std::size_t i = 0; i < kUnconditional; ++i) {
    program.skip_unless(BPF_JEQ, static_cast<std::uint32_t>(kRefused[i].number), 1);
    program.give(SECCOMP_RET_TRAP);
  }
  add_conditional(program);
  program.give(SECCOMP_RET_ALLOW);

  sock_fprog built = program.built();
  if (raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1) < 0 ||
      raw(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, as_long(&built)) < 0) {
    refuse("this machine does not allow a seccomp filter");
  }
}

}  // namespace myelin::crash
