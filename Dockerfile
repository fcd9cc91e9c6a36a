# velostream as an image: docker build -t velostream . && docker run -p 127.0.0.1:8080:8080 -v velostream:/data velostream
# What runs is the npm package, made from this checkout; nothing of the build stays. Not root; / may be read-only.
FROM node:24-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund \
  && npm run --silent release \
  && npm install --global --prefix /opt/velostream --no-audit --no-fund artifacts/release/velostream-*.tgz

FROM node:24-slim
COPY --from=build /opt/velostream /opt/velostream
RUN mkdir /data && chown node:node /data
ENV PATH=/opt/velostream/bin:$PATH \
    VELOSTREAM_DATA_DIR=/data \
    VELOSTREAM_HOST=0.0.0.0
# The user "node" of the image, by number: Kubernetes can tell that it is not root.
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Alive is enough: a feed that is away is no reason to restart. Readiness is /readyz.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The program itself is the first process: it drains at SIGTERM, and ends its own children.
ENTRYPOINT ["velostream"]
CMD ["run"]
