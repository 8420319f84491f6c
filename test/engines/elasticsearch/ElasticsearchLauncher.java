import java.util.HashMap;
import java.util.List;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.reindex.ReindexPlugin;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.transport.Netty4Plugin;

/** ElasticsearchLauncher KEY=VALUE...: one Elasticsearch node with these settings. */
public class ElasticsearchLauncher extends Node {
  ElasticsearchLauncher(Settings settings) {
    super(
      InternalSettingsPreparer.prepareEnvironment(settings, new HashMap<>(), null, () -> "millrace-test"),
      List.of(Netty4Plugin.class, ReindexPlugin.class),
      false);
  }

  public static void main(String[] args) throws Exception {
    var settings = Settings.builder();
    for (String arg : args) settings.put(arg.split("=", 2)[0], arg.split("=", 2)[1]);
    var node = new ElasticsearchLauncher(settings.build());
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        node.close();
      } catch (Exception error) {
        error.printStackTrace();
      }
    }));
    node.start();
    Thread.currentThread().join();
  }
}
