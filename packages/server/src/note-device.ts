import { describeError } from './log.js'
import type { Services } from './services.js'

/** Notes that a device has come with a token. That this fails is no reason to turn the device away. */
export function noteDevice({ catalog, clock, logger }: Services, deviceId: string, tokenId: string): void {
  try {
    catalog.deviceSeen(deviceId, tokenId, clock.now())
  } catch (error) {
    logger.error('a device could not be noted', { deviceId, error: describeError(error) })
  }
}
