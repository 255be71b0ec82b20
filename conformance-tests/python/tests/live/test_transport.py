"""What TLS lets in, and what the open door says about itself."""

import socket
import ssl
import unittest

import grpc
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from live import SANDBOX
from pmh_client import eligibility, open_channel

SECONDS = 10


class Transport(unittest.TestCase):
    def test_p2_a_client_without_a_certificate_gets_the_tls_alert(self):
        # In TLS 1.3 the client is done before the server looks, so the alert comes with the first read.
        self.assertEqual(self.alert(ssl.TLSVersion.TLSv1_3), "TLSV13_ALERT_CERTIFICATE_REQUIRED")

    def test_r_tls_an_older_tls_is_refused(self):
        self.assertEqual(self.alert(ssl.TLSVersion.TLSv1_2), "TLSV1_ALERT_PROTOCOL_VERSION")

    def test_p2_grpc_without_a_certificate_reaches_no_method(self):
        credentials = grpc.ssl_channel_credentials(SANDBOX.ca_pem)
        options = [("grpc.ssl_target_name_override", SANDBOX.server_name), ("grpc.use_local_subchannel_pool", 1)]
        with (
            grpc.secure_channel(SANDBOX.address, credentials, options) as channel,
            self.assertRaises(grpc.RpcError) as caught,
        ):
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_reflection_serves_the_contract_of_this_tree(self):
        with open_channel(SANDBOX, SANDBOX.terminal("clinic")) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            ours = descriptor_pb2.FileDescriptorProto()
            eligibility.DESCRIPTOR.CopyToProto(ours)
            self.assertIn("pmh.eligibility.v1.EligibilityService", database.get_services())
            theirs = database.FindFileByName(ours.name)
        self.assertEqual(messages(theirs), messages(ours))

    @staticmethod
    def alert(version: ssl.TLSVersion) -> str | None:
        """The alert that ends a connection without a client certificate."""
        context = ssl.create_default_context(cadata=SANDBOX.ca_pem.decode())
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2"])
        host, _, port = SANDBOX.address.rpartition(":")
        try:
            with (
                socket.create_connection((host, int(port)), timeout=SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=SANDBOX.server_name) as secured,
            ):
                secured.recv(1)
        except ssl.SSLError as error:
            return error.reason
        return None


def messages(file: descriptor_pb2.FileDescriptorProto) -> dict:
    """Names, numbers and types of all fields; how compilers fill in the rest differs."""
    return {
        message.name: [(field.name, field.number, field.type, field.type_name) for field in message.field]
        for message in file.message_type
    }


if __name__ == "__main__":
    unittest.main()
