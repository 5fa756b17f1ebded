import sys
from tests.simulation.run import simulate
import time
t=time.process_time()
for s in range(int(sys.argv[1]), int(sys.argv[2])):
    o=simulate(s)
    print(s,o.verdict,o.names,o.virtual_s,len(o.records),[str(m)[:300] for m in o.mistakes],o.report.doubts[:2],o.report.anomalies[:2], flush=True)
print(time.process_time()-t)
