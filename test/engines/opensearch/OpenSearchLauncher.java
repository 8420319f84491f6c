import org.codelibs.opensearch.runner.OpenSearchRunner;

/** OpenSearchLauncher DIR KEY=VALUE...: one OpenSearch node with these settings that keeps its data in DIR. */
public class OpenSearchLauncher {
  public static void main(String[] args) throws Exception {
    var runner = new OpenSearchRunner();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        runner.close();
      } catch (Exception error) {
        error.printStackTrace();
      }
    }));
    runner.onBuild((number, settings) -> {
      for (int i = 1; i < args.length; i++) settings.put(args[i].split("=", 2)[0], args[i].split("=", 2)[1]);
    });
    runner.build(OpenSearchRunner.newConfigs().basePath(args[0]).clusterName("millrace-test").numOfNode(1).useLogger());
    Thread.currentThread().join();
  }
}
