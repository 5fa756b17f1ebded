import sys
from tests.simulation.run import simulate
import time,traceback,collections
t=time.process_time()
args=sys.argv[1].split("-")
n=0
c=collections.Counter()
for s in range(int(args[0]), int(args[-1])+1):
    o=simulate(s)
    n+=1
    c[o.verdict]+=1
    if o.verdict!='PASS':
      print(s,o.verdict,o.names,round(o.virtual_s,1),len(o.records),o.faults,o.report.doubts[:2],o.report.anomalies[:2], flush=True)
      for m in o.mistakes[:2]: traceback.print_exception(m, limit=-3)
t=time.process_time()-t
print(c,n,"schedules",round(t,1),"s cpu",round(n/t*60),"a minute")
