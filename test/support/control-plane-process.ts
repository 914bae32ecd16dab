/** A control plane in a process of its own, so that a test can kill it. Usage: FOLDER JOIN-PORT GATEWAY-PORT OPERATOR-PORT */
import { startControlPlane } from '../../control-plane/service.ts';

const [folder = '', ...ports] = process.argv.slice(2);
const [joining, gateway, operator] = ports.map((port) => ({ host: '127.0.0.1', port: Number(port) }));
if (!joining || !gateway || !operator) throw new RangeError('expected a folder and three ports');
const controlPlane = await startControlPlane({ folder, listen: { join: joining, gateway, operator } });
process.stdout.write(`${JSON.stringify(controlPlane.addresses)}\n`);
