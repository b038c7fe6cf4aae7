// FreedBy: a unique_ptr's deleter for objects of a C library: FreedBy<BIO_free>.
#pragma once

namespace myelin {

template <auto kFree>
struct FreedBy {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

}  // namespace myelin
