// Lets ThreadSanitizer see the threads and locks of librdkafka, which takes C11's from the C
// library: those are not intercepted, and a thread that is not known to the sanitizer crashes it.
// In that flavour alone these stand before the library's own and are POSIX threads, which are what
// glibc's types are inside.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <cstdint>
#include <memory>

namespace {

struct Start {
  thrd_start_t function;
  void* argument;
};

void* run(void* opaque) {
  const std::unique_ptr<Start> start(static_cast<Start*>(opaque));
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(start->function(start->argument)));
}

int outcome(int code) {
  switch (code) {
    case 0: return thrd_success;
    case EBUSY: return thrd_busy;
    case ETIMEDOUT: return thrd_timedout;
    case ENOMEM: return thrd_nomem;
    default: return thrd_error;
  }
}

pthread_mutex_t* posix(mtx_t* mutex) {
  static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t));
  return reinterpret_cast<pthread_mutex_t*>(mutex);
}

pthread_cond_t* posix(cnd_t* condition) {
  static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t));
  return reinterpret_cast<pthread_cond_t*>(condition);
}

}  // namespace

extern "C" {

// librdkafka counts references with atomics that are compiled into it and not seen here: its free()
// of what another thread was the last to read looks like a race. Only reports with a frame of the
// library are left out; its locks are seen, so that what they order of ours is ordered.
const char* __tsan_default_suppressions() { return "race:librdkafka.so.1\n"; }

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto start = std::make_unique<Start>(Start{function, argument});
  const int code = ::pthread_create(thread, nullptr, run, start.get());
  if (code == 0) start.release();
  return outcome(code);
}

int thrd_join(thrd_t thread, int* result) {
  void* returned = nullptr;
  const int code = ::pthread_join(thread, &returned);
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<std::intptr_t>(returned));
  return outcome(code);
}

int thrd_detach(thrd_t thread) { return outcome(::pthread_detach(thread)); }

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  if ((type & mtx_recursive) != 0)
    ::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  const int code = ::pthread_mutex_init(posix(mutex), &attributes);
  ::pthread_mutexattr_destroy(&attributes);
  return outcome(code);
}

void mtx_destroy(mtx_t* mutex) { ::pthread_mutex_destroy(posix(mutex)); }
int mtx_lock(mtx_t* mutex) { return outcome(::pthread_mutex_lock(posix(mutex))); }
int mtx_trylock(mtx_t* mutex) { return outcome(::pthread_mutex_trylock(posix(mutex))); }
int mtx_unlock(mtx_t* mutex) { return outcome(::pthread_mutex_unlock(posix(mutex))); }

int cnd_init(cnd_t* condition) { return outcome(::pthread_cond_init(posix(condition), nullptr)); }
void cnd_destroy(cnd_t* condition) { ::pthread_cond_destroy(posix(condition)); }
int cnd_signal(cnd_t* condition) { return outcome(::pthread_cond_signal(posix(condition))); }
int cnd_broadcast(cnd_t* condition) { return outcome(::pthread_cond_broadcast(posix(condition))); }
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return outcome(::pthread_cond_wait(posix(condition), posix(mutex)));
}
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const struct timespec* until) {
  return outcome(::pthread_cond_timedwait(posix(condition), posix(mutex), until));
}

}  // extern "C"

#endif
#endif
