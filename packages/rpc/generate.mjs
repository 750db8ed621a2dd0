// Writes src/gen: stubs of proto/ by ts-proto, and the descriptors of our own services for server reflection.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const buf = resolve(here, '../../node_modules/.bin/buf');

rmSync(resolve(here, 'src/gen'), { recursive: true, force: true });
execFileSync(buf, ['generate'], { cwd: here, stdio: 'inherit' });
const descriptors = execFileSync(
  buf,
  ['build', '../../proto', '--path', '../../proto/kv', '--exclude-source-info', '-o', '-#format=binpb'],
  {
    cwd: here,
    maxBuffer: 64 * 1024 * 1024,
  },
);
const lines = descriptors
  .toString('base64')
  .match(/.{1,100}/g)
  .map((line) => `  '${line}',`);
writeFileSync(
  resolve(here, 'src/gen/descriptors.ts'),
  `/** Of proto/kv and what it imports, as a google.protobuf.FileDescriptorSet, in base64. */\nexport const descriptors: string = [\n${lines.join('\n')}\n].join('');\n`,
);
