import { startApplication } from '../peers/http-application.mjs';

/** The application of one variant, and what its process costs. @param {{ variant: string, port: number | undefined }} config */
export async function open({ variant, port }) {
  const { url, close } = await startApplication(variant, port);
  return { url: () => url, cpu: () => process.cpuUsage(), close };
}
