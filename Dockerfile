# syntax=docker/dockerfile:1
FROM node:26-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY transports transports
COPY src src
RUN node scripts/build.ts

FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The image has its own Node.js: the binaries that a checkout installs would only make it larger.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/node-linux-* node_modules/node-bin-* node_modules/.bin/node

FROM node:26-bookworm-slim
ENV NODE_ENV=production STATE_DIRECTORY=/var/lib/fanfare
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json CHANGELOG.md LICENSE ./
COPY bin bin
COPY schemas schemas
COPY examples examples
# For whatever a script writes: flatstore files, sockets.
RUN mkdir -p /var/lib/fanfare && chown node:node /var/lib/fanfare
USER node
VOLUME /var/lib/fanfare
EXPOSE 5060/udp 5060/tcp
STOPSIGNAL SIGTERM
# Asks the proxy at $FANFARE_URL, by default http://127.0.0.1:8888/mi inside the container.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "bin/fanfare.js", "mi", "version"]
ENTRYPOINT ["node", "bin/fanfare.js"]
CMD ["run", "examples/quickstart.cfg", "-l", "udp:*:5060", "-l", "tcp:*:5060"]
