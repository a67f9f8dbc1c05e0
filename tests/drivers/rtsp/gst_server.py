"""gst-rtsp-server with Digest, as judge: run by the system's Python, beside the tests. Prints its port when it serves.

Streams: /Streaming/Channels/102 plays, /sound has no picture, anything else is 404. Its argument is the password; without one it
asks for none.
"""

# mypy: ignore-errors

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 the versions come first

Gst.init(None)
STREAMS = {
    "/Streaming/Channels/102": "( videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=10/1 ! x264enc tune=zerolatency speed-preset=ultrafast ! rtph264pay name=pay0 pt=96 )",
    "/sound": "( audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8 )",
}
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
permissions = GstRtspServer.RTSPPermissions()
for may in ("media.factory.access", "media.factory.construct"):
    permissions.add_permission_for_role("user", may, True)
for path, launch in STREAMS.items():
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch)
    factory.set_shared(True)
    if len(sys.argv) > 1:
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory(path, factory)
if len(sys.argv) > 1:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_digest("gateway", sys.argv[1], token)
    server.set_auth(auth)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
