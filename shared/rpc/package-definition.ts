import { fromJSON, type PackageDefinition } from '@grpc/proto-loader';

import descriptor from './generated/descriptor.json' with { type: 'json' };

/** All that `proto/keyturn/v1` declares, for the reflection service: other programs ask for it to know what they may call. */
export const packageDefinition: PackageDefinition = fromJSON(descriptor as Parameters<typeof fromJSON>[0]);
