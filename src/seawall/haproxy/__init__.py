"""HAProxy, the engine every request goes through: its configuration, its processes, its sockets."""
