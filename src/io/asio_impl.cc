// Asio's one compiled copy.
#include <boost/asio/impl/src.hpp>
