export function writeDrive(drive: string): Promise<void>;
