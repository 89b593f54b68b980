import { createParamDecorator } from '@nestjs/common';
import { InvalidOptionsError } from '../base/errors.js';
import { currentLock } from './held-locks.js';
import type { LockHandle } from './lock-handle.js';

/** Written out, because the type that Nest infers differs between its majors, and would be published with the library. */
type LockParameter = (storeName?: string) => ParameterDecorator;

function lockOfCall(decorator: string, storeName: string | undefined): LockHandle {
  const lock = currentLock(storeName);
  if (lock) return lock;
  throw new InvalidOptionsError(`${decorator}: the call holds no lock; put @Locked on the method or its class`, {
    details: { decorator },
  });
}

/**
 * The innermost lock of the call: `@CurrentLock() lock: Lock`, or of one store: `@CurrentLock('other')`. For methods of
 * controllers with `@Locked`.
 */
export const CurrentLock: LockParameter = createParamDecorator((storeName?: string) =>
  lockOfCall('@CurrentLock', storeName),
);

/** The signal of the lock of the call: `@LockSignal() signal: AbortSignal`. Aborts before anybody else can own the lock. */
export const LockSignal: LockParameter = createParamDecorator(
  (storeName?: string) => lockOfCall('@LockSignal', storeName).signal,
);

/** The fence of the lock of the call: `@FenceToken() fence: number`, to hand to what the lock protects. */
export const FenceToken: LockParameter = createParamDecorator(
  (storeName?: string) => lockOfCall('@FenceToken', storeName).fence,
);
