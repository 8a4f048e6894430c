noinst_LIBRARIES += libnet.a
libnet_a_SOURCES =
libnet_a_SOURCES += net/addr.h
libnet_a_SOURCES += net/check.c net/check.h
libnet_a_SOURCES += net/attach.c net/attach.h
libnet_a_SOURCES += net/dns.c net/dns.h net/dnsmsg.c
libnet_a_SOURCES += net/dns_ask.c net/dns_ask.h
libnet_a_SOURCES += net/dns_tcp.c net/dns_tcp.h
libnet_a_SOURCES += net/frame.c net/frame.h
libnet_a_SOURCES += net/endpoint.c net/endpoint.h
libnet_a_SOURCES += net/ip.c net/ip.h
libnet_a_SOURCES += net/lease.c net/lease.h
libnet_a_SOURCES += net/names.c net/names.h
libnet_a_SOURCES += net/net.h net/start.c net/tap.c
libnet_a_SOURCES += net/network.c net/network.h net/network_subnet.c
libnet_a_SOURCES += net/netlink.c net/netlink.h
libnet_a_SOURCES += net/options.c
libnet_a_SOURCES += net/pollset.c net/pollset.h
libnet_a_SOURCES += net/publish.c net/publish.h net/publish_bind.c net/publish_holder.c net/publish_start.c
libnet_a_SOURCES += net/resolver.c net/resolver.h
libnet_a_SOURCES += net/jail.c net/jail.h
libnet_a_SOURCES += net/try.c
libnet_a_SOURCES += net/wire.c net/wire.h

# The packet loop of one network; libslirp is in here and nowhere else
noinst_LIBRARIES += libnetloop.a
libnetloop_a_SOURCES = net/loop.c net/loop.h
libnetloop_a_CFLAGS = $(AM_CFLAGS) $(SLIRP_CFLAGS)
pkglibexec_PROGRAMS += rl-net
rl_net_SOURCES = net/main.c
rl_net_LDADD = libnetloop.a libnet.a libcore.a libbase.a $(SLIRP_LIBS)

# The forwarder of published ports
pkglibexec_PROGRAMS += rl-port
rl_port_SOURCES =
rl_port_SOURCES += net/port/main.c net/port/port.h
rl_port_SOURCES += net/port/route.c
rl_port_SOURCES += net/port/source.c
rl_port_SOURCES += net/port/tcp.c
rl_port_SOURCES += net/port/udp.c
rl_port_LDADD = libnet.a libcore.a libbase.a

man_MANS += net/rl-network.7
EXTRA_DIST += net/rl-network.7
