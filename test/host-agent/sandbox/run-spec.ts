/**
 * A stand-in for an agent, as a process of its own: runs the spec in its first argument, with the secrets (text) in its
 * second, and prints the outcome; with a third argument it runs it without a sandbox. For tests that need an agent of another user, or one that inherited a descriptor.
 */
import {
  detectNoSandbox,
  detectSandbox,
  runInSandbox,
  runUnconfined,
  type SandboxSpec,
} from '../../../host-agent/sandbox/sandbox.ts';

const spec = JSON.parse(process.argv[2] ?? '') as SandboxSpec;
const secrets = Object.entries(JSON.parse(process.argv[3] ?? '{}') as Record<string, string>);
const named = { ...spec, secrets: Object.fromEntries(secrets.map(([name, text]) => [name, Buffer.from(text)])) };
const outcome = process.argv[4] === undefined ? await confined() : await unconfined();
console.log(JSON.stringify(outcome));

async function confined() {
  const sandbox = await detectSandbox();
  if (sandbox === undefined) throw new Error('no sandbox on this machine');
  return runInSandbox(named, sandbox);
}

async function unconfined() {
  const programs = detectNoSandbox();
  if (programs === undefined) throw new Error('no prlimit, setpriv or env on this machine');
  return runUnconfined(named, programs);
}
