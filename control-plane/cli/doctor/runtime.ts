/** The Node that runs this, and the machine that it runs on. */
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import type { DoctorContext } from './doctor-context.ts';

const NODE_MAJOR = 24;

/** For which a runtime is pinned and SQLite ships a binary. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

export function examineRuntime({ runtime: { nodeVersion, platform, arch } }: DoctorContext): Diagnosis[] {
  const major = Number(/^v?(\d+)\./.exec(nodeVersion)?.[1] ?? 0);
  const machine = `${platform}-${arch}`;
  return [nodeDiagnosis(nodeVersion, major), platformDiagnosis(machine)];
}

function nodeDiagnosis(version: string, major: number): Diagnosis {
  if (major < NODE_MAJOR)
    return { level: 'trouble', statement: `Node ${version}: expected ${NODE_MAJOR} or newer`, mend: 'npm ci' };
  if (major > NODE_MAJOR)
    return { level: 'warning', statement: `Node ${version}: tested with ${NODE_MAJOR} alone`, mend: 'npm ci' };
  return { level: 'ok', statement: `Node ${version}` };
}

function platformDiagnosis(machine: string): Diagnosis {
  if (PLATFORMS.includes(machine)) return { level: 'ok', statement: machine };
  return { level: 'warning', statement: `${machine}: expected one of ${PLATFORMS.join(', ')}` };
}
