# SPDX-License-Identifier: Apache-2.0
# The agent's image: two executables and their libraries, no shell. libseccomp 2.6 comes with Debian 13; on Debian 12
# (--build-arg BASE=debian:bookworm-slim) it is 2.5.4.
#
#   docker build -t seccompd .
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
WORKDIR /src
COPY deploy/install-deps.sh deploy/
RUN deploy/install-deps.sh build
COPY CMakeLists.txt CMakePresets.json LICENSE ./
COPY include include
COPY src src
RUN cmake --workflow --preset release
COPY deploy/rootfs.sh deploy/
RUN deploy/rootfs.sh /rootfs build/release/src/seccompd build/release/src/seccompd-compile

FROM scratch
COPY --from=build /rootfs /
ENTRYPOINT ["/usr/bin/seccompd"]
CMD ["agent"]
