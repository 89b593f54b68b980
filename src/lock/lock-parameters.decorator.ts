import { createParamDecorator } from '@nestjs/common';
import { InvalidOptionsError } from '../base/errors.js';
import { currentLock } from './held-locks.js';
import type { LockHandle } from './lock-handle.js';

function lockOfCall(decorator: string): LockHandle {
  const lock = currentLock();
  if (lock) return lock;
  throw new InvalidOptionsError(`${decorator}: the call holds no lock; put @Locked on the method or its class`, {
    details: { decorator },
  });
}

/** The lock of the call: `@CurrentLock() lock: Lock`. For methods of controllers with `@Locked`. */
export const CurrentLock = createParamDecorator(() => lockOfCall('@CurrentLock'));

/** The signal of the lock of the call: `@LockSignal() signal: AbortSignal`. Aborts before anybody else can own the lock. */
export const LockSignal = createParamDecorator(() => lockOfCall('@LockSignal').signal);

/** The fence of the lock of the call: `@FenceToken() fence: number`, to hand to what the lock protects. */
export const FenceToken = createParamDecorator(() => lockOfCall('@FenceToken').fence);
