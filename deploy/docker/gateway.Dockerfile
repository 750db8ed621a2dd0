# The gateway: one whole server, or the door to a cluster (`--mode cluster`). From the root of the workspace:
#     docker build -f deploy/docker/gateway.Dockerfile -t holdfast/gateway .
FROM node:24-slim AS build
WORKDIR /src
COPY . .
RUN npm install --no-save --no-audit --no-fund
RUN npm run generate -w packages/rpc && npm run build -w apps/gateway
# Only what this program needs when it runs, and no tools to build it. Our own packages are in its one file.
RUN rm -rf node_modules && npm install --no-save --no-audit --no-fund --omit=dev --workspace=apps/gateway
RUN rm -rf node_modules/@holdfast && find apps/gateway -name '*.spec.*' -delete

FROM node:24-slim
WORKDIR /holdfast
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/apps/gateway ./apps/gateway
COPY deploy/docker/healthcheck.mjs ./
ENV NODE_ENV=production HOLDFAST_HOST=0.0.0.0 HOLDFAST_PROTECTED_MODE=no HOLDFAST_DIR=/data GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1048576:glibc.malloc.arena_max=2
# Why: see tools/setup/gateway.mjs.
ENV NODE_OPTIONS=--max-semi-space-size=4
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 6379 7379 8379
HEALTHCHECK --interval=5s --timeout=2s --start-period=20s CMD ["node", "healthcheck.mjs", "8379"]
ENTRYPOINT ["node", "apps/gateway/dist/main.js"]
