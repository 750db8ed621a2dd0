# The command line of a cluster. From the root of the workspace:
#     docker build -f deploy/docker/kvctl.Dockerfile -t holdfast/kvctl .
FROM node:24-slim AS build
WORKDIR /src
COPY . .
RUN npm install --no-save --no-audit --no-fund
RUN npm run generate -w packages/rpc && npm run build -w apps/kvctl
# Only what this program needs when it runs, and no tools to build it. Our own packages are in its one file.
RUN rm -rf node_modules && npm install --no-save --no-audit --no-fund --omit=dev --workspace=apps/kvctl
RUN rm -rf node_modules/@holdfast && find apps/kvctl -name '*.spec.*' -delete

FROM node:24-slim
WORKDIR /holdfast
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/apps/kvctl ./apps/kvctl
ENV NODE_ENV=production
USER node
ENTRYPOINT ["node", "apps/kvctl/dist/main.js"]
