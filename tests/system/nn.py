"""A nanomsg NN_PAIR socket for tests: libnanomsg through ctypes, text in, text out."""
import ctypes
import errno
import json
import os
import select
import time

_AF_SP, _NN_PAIR = 1, 16
_NN_SOL_SOCKET, _NN_SNDBUF, _NN_RCVBUF, _NN_SNDFD, _NN_RCVFD = 0, 2, 3, 10, 11
_NN_DONTWAIT = 1
_NN_MSG = ctypes.c_size_t(-1).value

_lib = ctypes.CDLL("libnanomsg.so.5")
_lib.nn_recv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_lib.nn_send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_lib.nn_freemsg.argtypes = [ctypes.c_void_p]
_lib.nn_strerror.restype = ctypes.c_char_p


class NnError(OSError):
    pass


def _check(rc):
    if rc < 0:
        code = _lib.nn_errno()
        raise NnError(code, _lib.nn_strerror(code).decode())
    return rc


class Pair:
    """One socket. Every wait has a deadline; what does not come by then is a TimeoutError."""

    def __init__(self, address, bind=False):
        self._s = _check(_lib.nn_socket(_AF_SP, _NN_PAIR))
        for option in (_NN_SNDBUF, _NN_RCVBUF):
            value = ctypes.c_int(1 << 20)
            _check(_lib.nn_setsockopt(self._s, _NN_SOL_SOCKET, option, ctypes.byref(value), 4))
        call = _lib.nn_bind if bind else _lib.nn_connect
        try:
            _check(call(self._s, address.encode()))
        except NnError:
            self.close()
            raise
        self._rfd, self._wfd = self._fd(_NN_RCVFD), self._fd(_NN_SNDFD)

    def _fd(self, option):
        fd, size = ctypes.c_int(-1), ctypes.c_size_t(4)
        _check(_lib.nn_getsockopt(self._s, _NN_SOL_SOCKET, option, ctypes.byref(fd),
                                  ctypes.byref(size)))
        return fd.value

    @staticmethod
    def _wait(fd, until):
        left = until - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            raise TimeoutError("no message in time")

    def send(self, message, timeout=10.0):
        """A dict goes out as JSON, text and bytes as they are."""
        if isinstance(message, dict):
            message = json.dumps(message)
        if isinstance(message, str):
            message = message.encode()
        until = time.monotonic() + timeout
        while True:
            if _lib.nn_send(self._s, message, len(message), _NN_DONTWAIT) >= 0:
                return
            if _lib.nn_errno() != errno.EAGAIN:
                _check(-1)
            self._wait(self._wfd, until)

    def recv_raw(self, timeout=10.0):
        until = time.monotonic() + timeout
        while True:
            p = ctypes.c_void_p()
            n = _lib.nn_recv(self._s, ctypes.byref(p), _NN_MSG, _NN_DONTWAIT)
            if n >= 0:
                data = ctypes.string_at(p, n)
                _lib.nn_freemsg(p)
                return data
            if _lib.nn_errno() != errno.EAGAIN:
                _check(-1)
            self._wait(self._rfd, until)

    def recv(self, timeout=10.0):
        return json.loads(self.recv_raw(timeout))

    def close(self):
        if self._s >= 0:
            _lib.nn_close(self._s)
            self._s = -1


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def type_id(prefix, at=None):
    """A fresh TypeID: a UUIDv7 of the instant `at` (seconds, default now) in Crockford base32."""
    ms = int((time.time() if at is None else at) * 1000)
    raw = bytearray(ms.to_bytes(6, "big") + os.urandom(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return id_of(prefix, bytes(raw))


def id_of(prefix, raw):
    """The TypeID of a UUID's 16 bytes."""
    n = int.from_bytes(raw, "big")
    return prefix + "_" + "".join(_ALPHABET[n >> 5 * i & 31] for i in range(25, -1, -1))
