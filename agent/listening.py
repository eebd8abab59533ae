"""Says before anything slow is loaded whether a page can be served where it is asked for."""

import errno
import socket

from agent.errors import UserError


def check_address(host: str, port: int) -> None:
    """Raises UserError where nothing can listen on `port` of `host`, with the reason."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(f"port {port} is taken", mend="choose another with --port") from error
        if error.errno == errno.EACCES:
            raise UserError(f"port {port} may not be opened", mend="choose one above 1023 with --port") from error
        raise UserError(
            f"this machine cannot listen on {host!r}: {error.strerror}", mend="--host 127.0.0.1, or 0.0.0.0 for all"
        ) from error
