"""The auditors' console behind a door that a browser can use: plain HTTP on this machine, mutual TLS behind it.

A browser in a test has no place for a client certificate, so a forwarder holds the auditor's. It copies bytes and
changes none: what the console answers is what the browser sees, headers included.
"""

import asyncio
import contextlib
import ssl
import tempfile
import threading
import urllib.parse

from sandbox import Identity, Sandbox

CHUNK = 65536


@contextlib.contextmanager
def forwarded(sandbox: Sandbox, identity: Identity):
    """The `http://127.0.0.1:port` at which a browser meets the console as this terminal."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    serving = asyncio.run_coroutine_threadsafe(serve(sandbox, identity), loop).result()
    try:
        yield "http://{}:{}".format(*serving.sockets[0].getsockname())
    finally:
        asyncio.run_coroutine_threadsafe(end(serving), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def serve(sandbox: Sandbox, identity: Identity) -> asyncio.Server:
    context = client_context(sandbox, identity)
    console = urllib.parse.urlsplit(sandbox.web)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection(
            console.hostname, console.port, ssl=context, server_hostname=sandbox.server_name
        )
        # A handler that ends cancelled is reported as an error by this Python's streams.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(copy(reader, behind[1]), copy(behind[0], writer))

    return await asyncio.start_server(meet, "127.0.0.1", 0)


async def end(serving: asyncio.Server) -> None:
    serving.close()
    under_way = asyncio.all_tasks() - {asyncio.current_task()}
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
    sink.close()


def client_context(sandbox: Sandbox, identity: Identity) -> ssl.SSLContext:
    """TLS 1.3 and HTTP/1.1 alone, the sandbox's root, this terminal's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(cadata=sandbox.ca_pem.decode())
    with tempfile.NamedTemporaryFile() as pem:
        pem.write(identity.chain_pem + identity.key_pem)
        pem.flush()
        context.load_cert_chain(pem.name)
    return context
