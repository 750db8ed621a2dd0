# An instance of the timestamp service. From the root of the workspace:
#     docker build -f deploy/docker/tso-service.Dockerfile -t holdfast/tso-service .
FROM node:24-slim AS build
WORKDIR /src
COPY . .
RUN npm install --no-save --no-audit --no-fund
RUN npm run generate -w packages/rpc && npm run build -w apps/tso-service
# Only what this program needs when it runs, and no tools to build it. Our own packages are in its one file.
RUN rm -rf node_modules && npm install --no-save --no-audit --no-fund --omit=dev --workspace=apps/tso-service
RUN rm -rf node_modules/@holdfast && find apps/tso-service -name '*.spec.*' -delete

FROM node:24-slim
WORKDIR /holdfast
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/apps/tso-service ./apps/tso-service
COPY deploy/docker/healthcheck.mjs ./
ENV NODE_ENV=production HOLDFAST_HOST=0.0.0.0
USER node
EXPOSE 7380 8380
HEALTHCHECK --interval=5s --timeout=2s --start-period=20s CMD ["node", "healthcheck.mjs", "8380"]
ENTRYPOINT ["node", "apps/tso-service/dist/main.js"]
